"""Where a benchmark's numbers go."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.run_folder import environment
from tokenization.atomic import write_json

FOLDER = Path(__file__).resolve().parent / "results"


def write_results(out: Path | None, name: str, results: Mapping[str, Any]) -> Path:
    """Write `results` with machine, versions and commit, but no path of the machine; returns where."""
    found = environment()
    found["argv"] = [Path(found["argv"][0]).name, *found["argv"][1:]]
    path = out or FOLDER / f"{time.strftime('%Y-%m-%d')}-{name}-{machine_name(found)}.json"
    write_json(path, json.loads(json.dumps({**results, "environment": found})))
    return path


def machine_name(found: Mapping[str, Any]) -> str:
    """The device, or the processor with its cores, as part of a file name."""
    processor = f"{found['machine']['processor']}-{found['machine']['cores']}cores"
    given = processor if found["device"] == "cpu" else str(found["device"])
    plain = re.sub(r"\((R|TM)\)|\bCPU\b|@.*?(?=-\d+cores)", "", given)
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
