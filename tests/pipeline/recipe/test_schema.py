"""The JSON Schema that editors read."""

from typing import Any

import pytest

from pipeline.recipe.extends import EXTENDS
from pipeline.recipe.objectives import ENTRIES
from pipeline.recipe.problems import settings_of
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.schema import json_schema
from pipeline.recipe.stage import Stage
from pipeline.recipe.stream import Stream


def _nodes(value: Any):
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(inner)


def _sections() -> dict[str, Any]:
    schema = json_schema()
    return {"Recipe": schema, **{name: s for name, s in schema["$defs"].items() if s.get("type") == "object"}}


def test_every_reference_of_the_schema_leads_to_a_definition():
    schema = json_schema()
    references = [node["$ref"] for node in _nodes(schema) if isinstance(node, dict) and "$ref" in node]
    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(schema["$defs"])


@pytest.mark.parametrize("name", sorted(_sections()))
def test_every_section_is_closed_and_every_setting_described(name):
    section = _sections()[name]
    assert section["additionalProperties"] is False
    assert section["description"]
    undescribed = [key for key, value in section.get("properties", {}).items() if not value.get("description")]
    assert undescribed == []


@pytest.mark.parametrize(("name", "section"), [("Recipe", Recipe), ("Stage", Stage), ("Stream", Stream)])
def test_the_schema_has_the_settings_of_the_yaml(name, section):
    assert [key for key in _sections()[name]["properties"] if key != EXTENDS] == settings_of(section)


def test_only_what_has_no_default_is_required():
    required = {name: section.get("required") for name, section in _sections().items()}
    assert required["Recipe"] is None
    assert json_schema()["anyOf"] == [{"required": ["name", "tokenizer", "stages"]}, {"required": [EXTENDS]}]
    assert required["Stage"] == ["name", "kind", "steps", "streams"]
    assert required["Stream"] == ["source", "amount"]


def test_bare_objectives_and_a_single_file_are_allowed():
    sections = _sections()
    objective = sections["Stream"]["properties"]["objectives"]["items"]
    assert {"enum": list(ENTRIES), "type": "string"} in objective["anyOf"]
    assert {"type": "string"} in sections["Corpus"]["properties"]["files"]["anyOf"]


def test_the_draft_is_named():
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
