"""Where Moka UI may listen: it has no login, so beyond loopback only behind a proxy that has one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from moka_ui.__main__ import main
from moka_ui.settings import Settings

DATABASE = "postgresql://nobody@/none"
NAMES = ("moka.example.com",)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "moka.example.com"])
def test_beyond_loopback_it_starts_only_behind_a_trusted_proxy(host: str):
    with pytest.raises(ValidationError, match="MOKA_UI_TRUSTED_PROXY"):
        Settings(database=DATABASE, host=host, allowed_hosts=NAMES)
    with pytest.raises(ValidationError, match="MOKA_UI_ALLOWED_HOSTS"):
        Settings(database=DATABASE, host=host, trusted_proxy=True)
    settings = Settings(database=DATABASE, host=host, trusted_proxy=True, allowed_hosts=NAMES)
    assert settings.hosts == set(NAMES)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_it_starts_as_it_is(host: str):
    assert "localhost" in Settings(database=DATABASE, host=host).hosts


# a start would need a port; that it does not come so far is the test
def test_the_process_says_why_it_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MOKA_UI_DATABASE", DATABASE)
    monkeypatch.setenv("MOKA_UI_HOST", "0.0.0.0")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("moka-ui: on 0.0.0.0 ")
    assert "MOKA_UI_TRUSTED_PROXY" in told
