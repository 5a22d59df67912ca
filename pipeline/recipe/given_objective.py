"""An objective as a recipe gives it: `mlm`, or `{mlm: {rate: 0.3}}`; a section is made of each entry."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union

from pydantic import BeforeValidator, Discriminator, Field, Tag, create_model

from pipeline.recipe.objectives import ENTRIES, Entry
from pipeline.recipe.section import Section, has_key, tag_of


class GivenObjective(Section):
    """An objective as a recipe gives it: a mapping of its one name to its settings."""

    @property
    def name(self) -> str:
        return next(iter(type(self).model_fields))

    @property
    def settings(self) -> Any:
        return getattr(self, self.name)

    @property
    def entry(self) -> Entry:
        return ENTRIES[self.name]

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads that it reads, the one that it trains first."""
        return self.entry.heads(self.settings)


def given(name: str, **settings: Any) -> GivenObjective:
    """An objective with some settings, as a recipe would give it."""
    return _SECTIONS[name].model_validate({name: settings})


def _section(name: str, entry: Entry) -> type[GivenObjective]:
    field = Field(description="Its settings; {} for the usual ones.")
    title = "".join(part.capitalize() for part in name.split("_"))
    fields: dict[str, Any] = {name: (entry.settings, field)}
    return create_model(title, __base__=GivenObjective, __doc__=entry.settings.__doc__, **fields)


_SECTIONS = {name: _section(name, entry) for name, entry in ENTRIES.items()}


def _full_form(value: Any) -> Any:
    """`mlm` stands for `{mlm: {}}`."""
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, dict):
        return {key: {} if settings is None else settings for key, settings in value.items()}
    return value


def _which_objective(value: Any) -> str | None:
    if isinstance(value, dict) and len(value) != 1:
        return None
    found = [section for name, section in _SECTIONS.items() if has_key(value, name)]
    return tag_of(found[0]) if len(found) == 1 else None


if TYPE_CHECKING:
    Objective: TypeAlias = GivenObjective
else:
    _sections = tuple(Annotated[section, Tag(tag_of(section))] for section in _SECTIONS.values())
    Objective = Annotated[
        Annotated[
            Union[_sections],  # noqa: UP007 - of a tuple
            Discriminator(
                _which_objective,
                custom_error_type="objective",
                custom_error_message="is no objective: allowed are "
                f"{', '.join(ENTRIES)}, or with settings {{mlm: {{rate: 0.15, ...}}}}",
            ),
        ],
        BeforeValidator(_full_form, json_schema_input_type=Union[(Literal[tuple(ENTRIES)], *_SECTIONS.values())]),
    ]
