"""The recipe's JSON Schema, by which editors complete and check recipes."""

from typing import Any

from pipeline.recipe.recipe import Recipe

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of what a user writes, each setting with its description."""
    schema = Recipe.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": DRAFT, **schema, "title": "Triptych recipe"}
