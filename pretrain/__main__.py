"""`python -m pretrain RECIPE`: run the recipe's stages of kind pretrain.

A door of the roof, whichever folder it stands in.
"""

from pipeline.commands.door import enter

if __name__ == "__main__":
    enter("pretrain", kinds=("pretrain",))
