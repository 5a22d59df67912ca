"""How vocabularies are made: trained on text, or extended with words of a domain; and how well they fit a text."""
