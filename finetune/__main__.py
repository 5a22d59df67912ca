"""`python -m finetune RECIPE`: run the recipe's stages of kind adapt and finetune.

A door of the roof, whichever folder it stands in.
"""

from pipeline.commands.door import enter

if __name__ == "__main__":
    enter("finetune", kinds=("adapt", "finetune"))
