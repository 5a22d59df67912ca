"""The recipe's JSON Schema, by which editors complete and check recipes."""

from typing import Any

from pipeline.recipe.extends import EXTENDS
from pipeline.recipe.recipe import Recipe

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of what a user writes, each setting with its description."""
    schema = Recipe.model_json_schema(by_alias=True, mode="validation")
    needed = schema.pop("required")  # by a recipe that extends no other one
    extends = {"type": "string", "description": "Another recipe's file or name, from which this one says what differs."}
    properties = {EXTENDS: extends, **schema.pop("properties")}
    either = [{"required": needed}, {"required": [EXTENDS]}]
    return {"$schema": DRAFT, **schema, "properties": properties, "anyOf": either, "title": "Triptych recipe"}
