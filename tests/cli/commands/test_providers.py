"""`cooee providers`."""

import json

from cooee.providers import find_provider, provider_names


def test_every_provider_is_listed_with_what_it_is_told(cooee):
    said = cooee("providers").stdout
    for name in provider_names():
        assert f"Settings of {name}:" in said
        for setting in find_provider(name).settings:
            assert setting.name in said
            assert setting.help in said


def test_scripts_learn_of_features_and_settings(cooee):
    by_name = {one["name"]: one for one in json.loads(cooee("providers", "--json").stdout)}
    telstra = by_name["telstra-v2"]
    assert telstra["features"]["polling"] == "pop"
    assert [one["name"] for one in telstra["settings"] if one["secret"]] == [
        "TELSTRA_CLIENT_SECRET"
    ]
