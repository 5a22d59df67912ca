"""Where words, phrases and entities begin and end among the tokens, for masking them whole."""
