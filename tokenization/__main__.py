"""`python -m tokenization RECIPE`: make the recipe's tokenizer and corpora.

A door of the roof, whichever folder it stands in.
"""

from pipeline.commands.door import enter

if __name__ == "__main__":
    enter("tokenization", kinds=())
