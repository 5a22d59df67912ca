"""What differs between two descriptions of how a thing was made, field by field."""

import json
from collections.abc import Mapping
from typing import Any


def differences(before: Mapping[str, Any], now: Mapping[str, Any], path: str = "") -> list[str]:
    """The fields that differ as JSON, one line each: `  optimizer.rate: 0.001 then, 0.0005 now`."""
    lines = []
    for key in sorted({*before, *now}):
        here = f"{path}.{key}" if path else str(key)
        old, new = before.get(key, "(not given)"), now.get(key, "(not given)")
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            lines += differences(old, new, here)
        # As JSON, which is what the former one was read from: a tuple is a list there.
        elif old != new and (then := _json(old)) != (today := _json(new)):
            lines.append(f"  {here}: {then} then, {today} now")
    return lines


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
