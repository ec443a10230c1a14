"""A wrong configuration is one line that names the file, the key and what to do."""

from pathlib import Path

import pytest

from device_adapters.hub import Security
from orchestrator import settings
from orchestrator.catalogue import Catalogue
from orchestrator.settings.example import read
from schemas.errors import InvalidSettings
from tests.certificates import Authority


def test_the_shipped_configuration_is_the_default(catalogue: Catalogue) -> None:
    loaded, functions = settings.load(settings.PACKAGED)
    assert loaded == settings.Settings()
    assert list(functions) == list(catalogue)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("hub.toml", "[hub]\nregoin = 'US'", r"unknown key hub\.regoin; did you mean region"),
        ("hub.toml", "[hub]\nregion = 'XX'", r"hub\.region: .*numbers are known for XX"),
        ("hub.toml", "[hub\n", r"hub\.toml"),
        ("hub.toml", "[broker]\nport = 'x'", r"hub\.toml: broker\.port"),
        ("hub.toml", "[broker]\nurl = 'mqtt://host:99999'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[broker]\nurl = 'mqtt://[bad'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[broker]\nurl = 'mqtt://:1883'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[broker]\nurl = 'mqtt://me:secret@host'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[broker]\nurl = 'mqtts://'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[broker]\nurl = 'mqtt://host'\nca_file = 'ca.pem'",
         r"hub\.toml: broker\.ca_file needs an mqtts:// broker\.url"),
        ("hub.toml", "[model]\nthreshold = 2", r"hub\.toml: model\.threshold"),
        ("hub.toml", "[store]\nurl = 'mysql://me@host/octopus'",
         r"hub\.toml: store\.url: .*postgresql://user@host/database"),
        ("hub.toml", "[store]\nurl = 'postgresql://me:secret@host/octopus'",
         r"hub\.toml: store\.url: must hold no password: store\.password_file[^@]*$"),
        ("hub.toml", "[store]\nkeep_days = -1", r"hub\.toml: store\.keep_days"),
        ("hub.toml", "[http]\nport = 70000", r"hub\.toml: http\.port"),
        ("hub.toml", "[http]\nhost = '0.0.0.0'", r"hub\.toml: unknown key http\.host"),
        ("hub.toml", "[http]\nport = 1\nlisten = '0.0.0.0'",
         r"hub\.toml: http\.listen: 0\.0\.0\.0 is reached by others"),
        ("hub.toml", "[mcp]\nhttp = true", r"hub\.toml: mcp\.http: "),
        ("hub.toml", "[[console]]\nuser = 'local'", r"hub\.toml: console 1: device: .*required"),
        ("hub.toml", "[[console]]\ndevice = 'a'\n[[console]]\ndevice = 'b'\nport = 80",
         r"hub\.toml: console 2: port: "),
        ("hub.toml", "[[console]]\ndevice = 'a'\n[[console]]\ndevice = 'a'",
         r"hub\.toml: console: .*a is a console twice"),
        ("hub.toml", "[[console]]\ndevice = 'Mate'\n[[console]]\ndevice = 'mate'",
         r"hub\.toml: console: .*mate is a console twice"),
        ("hub.toml", "[console]\ndevice = 'a'", r"hub\.toml: console: write \[\[console\]\]$"),
        ("hub.toml", "[[http]]\nport = 1",
         r"hub\.toml: http: a section is needed, such as \[http\]$"),
        ("hub.toml", "[hub]\nmanagers = 'local'",
         r"hub\.toml: hub\.managers: a list is needed, in \[ \]$"),
        ("hub.toml", "[[console]]\ndevice = 'a'\nuser = 'locla'",
         r"hub\.toml: console 1: user: no user locla in people\.toml; did you mean local\?"),
        ("hub.toml", "[hub]\nmanagers = ['ann']",
         r"hub\.toml: hub\.managers: no user ann in people\.toml"),
        ("hub.toml", "[home]\nfeeds = { english = ['https://a.example'] }",
         r"hub\.toml: home\.feeds: .*english is no language's code"),
        ("hub.toml", "[home]\nforecast_url = 'api.open-meteo.com'",
         r"hub\.toml: home\.forecast_url: .*an address such as https://"),
        ("hub.toml", "[email]\nfrom = 'home@example.org'", r"hub\.toml: email: .*host is missing"),
        ("hub.toml", "[email]\nhost = 'mail.example.org'",
         r"hub\.toml: email: .* is no e-mail address"),
        ("hub.toml", "[email]\nhost = 'mail.example.org'\nform = 'home@example.org'",
         r"hub\.toml: unknown key email\.form; did you mean from\?"),
        ("hub.toml", "[email]\nhost = 'a.example'\nfrom = 'a@example.org'\nsecurity = 'ssl'",
         r"hub\.toml: email\.security: .*'tls'"),
        ("hub.toml", "[email]\nhost = 'a.example'\nfrom = 'a@example.org'\nsecurity = 'none'",
         r"hub\.toml: email: .*on this machine only"),
        ("hub.toml", "[email]\nhost = 'a.example'\nfrom = 'a@example.org'\nusername = 'me'",
         r"hub\.toml: email: .*username and password_file go together"),
        ("hub.toml", "[email]\nhost = 'a.example'\nfrom = 'a@example.org'\npassword = 'x'",
         r"hub\.toml: unknown key email\.password; did you mean password_file\?"),
        ("policy.toml", "[[rule]]\nverdict='deny'\n[[rule]]\nfunction='shutdwon'\nverdict='deny'",
         r"policy\.toml: rule 2: no function shutdwon; did you mean shutdown\?"),
        ("policy.toml", "[[rule]]\nuser='locla'\nverdict='deny'",
         r"policy\.toml: rule 1: no user locla in people\.toml; did you mean local\?"),
        ("policy.toml", "[[rule]]\nverdict='dney'",
         r"policy\.toml: rule 1: verdict: .*did you mean deny\?"),
        ("policy.toml", "[[rule]]\nuser='local'", r"policy\.toml: rule 1: verdict: .*required"),
        ("policy.toml", "[[rule]]\nverdit='deny'",
         r"policy\.toml: unknown key rule 1: verdit; did you mean verdict\?"),
        ("policy.toml", "[[rule]]\nverdict='deny'\nuser=[]", r"policy\.toml: rule 1: user: "),
        ("policy.toml", "[[rule]]\nverdict='deny'\ndays='sunday'",
         r"policy\.toml: rule 1: days 1: .*did you mean sun\?"),
        ("policy.toml", "[[rule]]\nverdict='deny'\nhours='at night'",
         r"policy\.toml: rule 1: hours: .*22:00-07:00"),
        ("policy.toml", "[[rule]]\nverdict='deny'\nfunction='lock_doors'\narguments={acton='lock'}",
         r"policy\.toml: rule 1: lock_doors has no argument acton; did you mean action\?"),
        ("policy.toml", "[functions]\nshutdown = 'deny'", r"policy\.toml: unknown key functions"),
        ("people.toml", "[users.ann]\nrelation={mom='Al'}",
         r"people\.toml: unknown key users\.ann\.relation; did you mean relations\?"),
        ("people.toml", "[users.ann.devices]\nphnoe='Pixel'",
         r"people\.toml: users\.ann\.devices\.phnoe.*did you mean phone\?"),
        ("people.toml", "[[contact]]\nname='Al'\naliasses=['A']",
         r"people\.toml: unknown key contact 1: aliasses; did you mean aliases\?"),
        ("people.toml", "[[contact]]\nname='Al'\nnumbers={moblie='+1 555 0100'}",
         r"people\.toml: contact 1: no kind of number is called moblie; did you mean mobile\?"),
        ("people.toml", "[[contact]]\nname='Al'\nnumbers={mobile='+1 55'}",
         r"people\.toml: contact 1: mobile is no phone number"),
        ("people.toml", "[[contact]]\nname='Al'\nemail='al at home'",
         r"people\.toml: contact 1: email is no e-mail address"),
        ("people.toml", "[[contact]]\nname='!'", r"people\.toml: contact 1: a name has letters"),
        ("devices.toml", "[[device]]\nid='a'\nname='a'\nkind='phone'\nprotocol='adb'",
         r"devices\.toml: .*address has no host"),
        ("devices.toml", "[[device]]\nid='a'\nname='a'\nkind='phone'\nprotocol='usb'",
         r"devices\.toml: .*protocol 'usb'"),
        ("devices.toml", "\n".join(2 * ["[[device]]\nid='a'\nname='a'\nkind='phone'\nprotocol='adb'"
                                       "\naddress={serial='1'}\ndefault=true"]),
         r"devices\.toml: .*two devices are the default phone"),
        ("devices.toml", "[[device]]\nid='a'\nname='a'\nkind='fridge'\nprotocol='adb'",
         r"devices\.toml: device 1: kind: .*"),
    ],
)  # fmt: skip
def test_says_what_is_wrong(file: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("")
    (tmp_path / file).write_text(text)
    with pytest.raises(InvalidSettings, match=says):
        settings.load(tmp_path)


def test_the_password_of_the_store_is_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a secret/@\n")
    url = "postgresql://me@/octopus?host=/run/postgresql"
    store = settings.Store(url=url, password_file=str(tmp_path / "password"))
    assert store.address() == "postgresql://me:a%20secret%2F%40@/octopus?host=/run/postgresql"
    assert settings.Store(url=url).address() == url
    assert settings.Store().address() == ""
    with pytest.raises(InvalidSettings, match=r"store\.password_file: .*nowhere"):
        settings.Store(url=url, password_file=str(tmp_path / "nowhere")).address()


def test_an_account_for_e_mail_has_its_secrets_in_files(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a secret\n")
    said = {"host": "mail.example.org", "from": "Home <home@example.org>", "username": "me"}
    email = settings.Email.model_validate(said | {"password_file": str(tmp_path / "password")})
    account = email.account()
    assert account
    assert (account.port, account.password, account.sender.addr_spec) == (
        465, "a secret", "home@example.org",
    )  # fmt: skip
    assert "a secret" not in repr(account) + repr(email)
    local = settings.Email(host="::1", sender="a@example.org", security=Security.NONE).account()
    assert local
    assert local.port == 25
    assert settings.Email().account() is None
    for key in ("password_file", "ca_file"):
        wrong = said | {"password_file": str(tmp_path / "password"), key: str(tmp_path / "nowhere")}
        with pytest.raises(InvalidSettings, match=rf"email\.{key}: .*nowhere"):
            settings.Email.model_validate(wrong).account()
    wrong = said | {"password_file": str(tmp_path / "password"),
                    "ca_file": str(tmp_path / "password")}  # fmt: skip
    with pytest.raises(InvalidSettings, match=r"email\.ca_file: .* it holds no certificate"):
        settings.Email.model_validate(wrong).account()


def test_a_broker_over_tls_is_trusted_by_whom_the_settings_say(tmp_path: Path) -> None:
    broker = settings.BrokerSettings
    assert broker(url="mqtts://host").address() == ("host", 8883)
    assert broker(url="mqtts://host:1").address() == ("host", 1)
    assert broker(url="mqtt://host").tls() is None
    anybody = broker(url="mqtts://host").tls()
    assert anybody
    own = broker(url="mqtts://host", ca_file=str(Authority(tmp_path).file)).tls()
    assert own
    assert own.check_hostname
    assert len(own.get_ca_certs()) == 1 != len(anybody.get_ca_certs())
    (tmp_path / "empty.pem").touch()
    for file, why in (("nowhere.pem", "No such file"), ("empty.pem", "it holds no certificate")):
        with pytest.raises(InvalidSettings, match=rf"broker\.ca_file: .*{file}.*{why}"):
            broker(url="mqtts://host", ca_file=str(tmp_path / file)).tls()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="nowhere"):
        settings.load(tmp_path / "nowhere")


def test_rules_and_people_are_read(tmp_path: Path) -> None:
    """The example in each shipped file works once it is not commented out."""
    (tmp_path / "hub.toml").write_text("")
    for name in ("people.toml", "policy.toml"):
        example = read((settings.PACKAGED / name).read_text())
        (tmp_path / name).write_text(example.toml)
    loaded, _ = settings.load(tmp_path)
    assert [rule.user for rule in loaded.policy.rules] == [("guest",), ("guest",), ("ann",)]
    assert loaded.people.users["ann"].devices == {"phone": "Pixel 8", "car": "Golf"}
    [contact] = loaded.people.contacts
    assert contact.numbers == (("mobile", "+1 555 0100"), ("work", "+1 555 0101"))


def test_a_policy_may_name_whoever_is_in_people(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("")
    (tmp_path / "people.toml").write_text("[users.guest]")
    rule = "[[rule]]\nuser=['guest', 'local']\nverdict='deny'"
    (tmp_path / "policy.toml").write_text(rule)
    assert settings.load(tmp_path)[0].policy.rules[0].user == ("guest", "local")


def test_devices_are_managed_from_this_machine_and_by_whom_the_settings_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "people.toml").write_text("[users.ann]\n[users.bob]")
    (tmp_path / "hub.toml").write_text("[hub]\nmanagers = ['ann']")
    assert settings.load(tmp_path)[0].managers == {"ann", "local"}
    assert settings.Settings().managers == {"local"}
    broker = "[broker]\nurl = 'mqtt://host'\n"
    (tmp_path / "hub.toml").write_text(broker)
    assert not settings.load(tmp_path)[0].managers, "there anybody may call themselves local"
    (tmp_path / "hub.toml").write_text(f"{broker}[hub]\nmanagers = ['local']")
    assert settings.load(tmp_path)[0].managers == {"local"}


def test_the_example_of_a_console_works(tmp_path: Path) -> None:
    lines = (settings.PACKAGED / "hub.toml").read_text().splitlines()
    begins = lines.index("# [[console]]")
    example = [line.removeprefix("# ") for line in lines[begins : lines.index("", begins)]]
    (tmp_path / "hub.toml").write_text("\n".join(example))
    [console] = settings.load(tmp_path)[0].console
    assert console == settings.ConsoleSettings(device="pixel")


@pytest.mark.parametrize(
    "address",
    [
        {"host": "h", "port": "5555"},
        {"usb": "R5CR1"},
        {"tls_host": "h", "tls_port": "41235"},
        {"serial": "R5CR1"},
    ],
)
def test_one_way_to_a_phone_is_enough(tmp_path: Path, address: dict[str, str]) -> None:
    (tmp_path / "hub.toml").write_text("")
    said = ", ".join(f'{key} = "{value}"' for key, value in address.items())
    phone = f'id = "p"\nname = "p"\nkind = "phone"\nprotocol = "adb"\naddress = {{ {said} }}'
    (tmp_path / "devices.toml").write_text(f"[[device]]\n{phone}\n")
    assert settings.load(tmp_path)[0].devices[0].address == address


@pytest.mark.parametrize("port", ["port", "tls_port"])
def test_a_port_is_a_number(tmp_path: Path, port: str) -> None:
    (tmp_path / "hub.toml").write_text("")
    address = f'address = {{ usb = "R5CR1", {port} = "wifi" }}'
    phone = f'id = "p"\nname = "p"\nkind = "phone"\nprotocol = "adb"\n{address}'
    (tmp_path / "devices.toml").write_text(f"[[device]]\n{phone}\n")
    with pytest.raises(InvalidSettings, match=f"the address's {port} is a number"):
        settings.load(tmp_path)


def test_an_empty_xdg_state_home_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "")
    assert settings.Settings().state == tmp_path / ".local/state/octopus-hub"
    monkeypatch.setenv("XDG_STATE_HOME", "/srv/state")
    assert settings.Settings().state == Path("/srv/state/octopus-hub")
