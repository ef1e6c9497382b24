"""Time zones by name, and the names that no machine knows."""

import pytest

from cooee import App
from cooee.core.app.time_zones import load_time_zone
from cooee.core.errors import DefinitionError


def test_a_zone_is_loaded_by_its_name():
    assert str(load_time_zone("Australia/Lord_Howe")) == "Australia/Lord_Howe"


@pytest.mark.parametrize("name", ["Australia/Nowhere", "", "../etc/passwd", "Australia", "a\0b"])
def test_a_name_that_the_data_do_not_have_is_none_and_the_apps_own_is_refused(name):
    assert load_time_zone(name) is None
    with pytest.raises(DefinitionError, match="pip install tzdata"):
        App(timezone=name)
