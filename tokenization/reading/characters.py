"""What no text may hold, whatever it is read from."""


def foreign_in(text: str) -> str | None:
    """What a text holds that is no character of a text, for people; None where there is nothing.

    A NUL ends strings in other programs and tells of a binary file, and half a surrogate pair cannot be written down.
    """
    if "\0" in text:
        return "holds a NUL, which no text has: is it binary, or was it decoded wrongly? Take it out."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair (\\ud800 … \\udfff), which is no character. Take it out."
    return None
