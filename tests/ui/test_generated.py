"""What is generated for the page is what the API says now."""

import hashlib
import json

from moka_ui.app import create_app
from moka_ui.settings import Settings
from tests.ui.conftest import ROOT

WEB = ROOT / "moka_ui" / "web"


def test_the_description_of_the_api_is_fresh():
    now = create_app(Settings(database="postgresql:///none")).openapi()
    kept = json.loads((WEB / "openapi.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(now)), "run: moka_ui/web/codegen/run"


def test_the_client_was_made_from_this_description():
    made_from = (WEB / "src" / "generated" / "openapi.sha256").read_text(encoding="utf-8").strip()
    assert made_from == hashlib.sha256((WEB / "openapi.json").read_bytes()).hexdigest(), (
        "run: moka_ui/web/codegen/run"
    )


def test_locks_name_no_place_to_download_from():
    for lock in (WEB / "package-lock.json", WEB / "codegen" / "package-lock.json"):
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        assert [name for name, package in packages.items() if "resolved" in package] == []
        assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_the_page_stays_small_in_what_it_needs():
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    assert len(package["dependencies"]) <= 15
    every = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in every.items() if not version[0].isdigit()] == []
