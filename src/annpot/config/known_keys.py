"""What one command knows: its sections and keys, under present and old names."""

from annpot.config.compatibility import old_sections, present_name
from annpot.config.local import LOCAL, has_local
from annpot.config.old_names import SECTIONS
from annpot.config.schema.keys import find_key, spelling_of
from annpot.config.settings import find_setting
from annpot.config.validate import sections_of
from annpot.elements import is_element


class KnownKeys:
    """The sections and keys of one command, under present and old names.

    Attributes:
        command: `app_train`.
        sections: {name: Section class}.
    """

    def __init__(self, config_type):
        self._config_type = config_type
        self.command = config_type.command
        self.sections = {one.name: one for one in sections_of(config_type).values()}
        self._element_type = getattr(config_type, "element_type", None)
        if self._element_type is not None:
            self.sections[self._element_type.name] = self._element_type

    def name(self, section, key):
        """(section, key) of today, in lower case; None when the section has no such.

        A key of [LOCAL] is known by the section that it stands for.
        """
        if section == LOCAL and has_local(self._config_type):
            setting = find_setting(self._config_type, key)
            return setting and setting.place
        old = present_name(self.command, section, key)
        if old is not None:
            return old
        section = SECTIONS.get((self.command, section), section)
        schema = self.sections.get(section)
        if schema is None and is_element(section):
            schema = self._element_type
        attribute, number = find_key(schema, key) if schema else (None, None)
        if attribute is None:
            return None
        spelling = key if number is not None else spelling_of(schema, attribute)
        return section, spelling.lower()

    def owners(self, key):
        """Sections that know a key, whether or not a file has them."""
        names = [*self.sections, *sorted(old_sections(self.command))]
        return [name for name in dict.fromkeys(names) if self.name(name, key)]
