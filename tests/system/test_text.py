"""Texts of others: nothing that a terminal obeys, no credentials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjs_compat.system.text import plain, redact, shown_address

ANYTHING = st.text() | st.text(alphabet="\x1b[]0;m\x07\\\n\t a\u2028\udcff")
# What may stand in a user name or password as people write them; "/" and spaces have to be escaped in an address.
CREDENTIAL = st.text(st.characters(codec="utf-8", exclude_characters="/", exclude_categories=["Z", "C"]), min_size=1)
SECRETS = st.builds(lambda text: f"hush-{text}", CREDENTIAL)


@given(ANYTHING)
def test_plain_text_has_nothing_to_obey(text: str) -> None:
    cleaned = plain(text)
    assert all(char == "\n" or char.isprintable() for char in cleaned)
    assert plain(cleaned) == cleaned


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_what_can_be_shown_stays(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07text", "text"),
        ("a\tb\r\nc", "a b \nc"),
        ("bell\x07", "bell\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_terminal_sequences_go(text: str, cleaned: str) -> None:
    assert plain(text) == cleaned


@given(
    scheme=st.sampled_from(["https", "http", "git+ssh", "socks5"]), user=CREDENTIAL, password=SECRETS, rest=st.text()
)
def test_no_password_of_an_address_stays(scheme: str, user: str, password: str, rest: str) -> None:
    shown = redact(f"GET {scheme}://{user}:{password}@index.example/simple/ {rest}")
    assert "hush" not in shown.removesuffix(rest)
    assert f"{scheme}://***@index.example/simple/" in shown


SLASHED = st.builds(
    lambda head, rest: f"{head}hush/{rest}",
    st.text(st.characters(codec="utf-8", exclude_characters="/@:", exclude_categories=["Z", "C"])),
    CREDENTIAL,
)


@given(user=CREDENTIAL.filter(lambda text: not set(text) & set(":@")), password=SLASHED)
@pytest.mark.parametrize("form", ["https://{}:{}@index.example/simple/", "git+http://{}:{}@index.example:8080/a"])
def test_no_password_with_a_slash_stays(form: str, user: str, password: str) -> None:
    assert "hush" not in redact(f"GET {form.format(user, password)} failed")


@given(user=st.text("abcdefgh0123", min_size=1), password=SECRETS)
def test_no_password_of_an_address_that_was_taken_for_a_path_stays(user: str, password: str) -> None:
    shown = redact(f"no m.h5 in /folder/https:/{user}:{password}@host.example/models")
    assert "hush" not in shown
    assert shown.endswith("/folder/https:/***@host.example/models")


@given(user=st.text("abcdefgh0123", min_size=1), password=SLASHED | SECRETS)
def test_no_password_of_an_address_without_a_scheme_stays(user: str, password: str) -> None:
    text = f"bad address {user}:{password}@index.example/simple"
    if not password.startswith("//"):
        assert "hush" not in redact(text)


@given(secret=SLASHED | SECRETS)
@pytest.mark.parametrize(
    "form",
    [
        "{}@index.example/simple",
        "https://{}@index.example/simple",
        "https://a:{}@index.example:8080/simple?{}",
        "https://index.example/simple/?{}",
        "index.example/simple/?a={}&b={}",
        "https://a:1{}@index.example/simple",
    ],
)
def test_nothing_of_a_known_address_stays(form: str, secret: str) -> None:
    known = form.replace("{}", secret)
    assert "hush" not in redact(f"error: {known}: 401", [known])
    assert "hush" not in shown_address(known)


@given(secret=SECRETS)
@pytest.mark.parametrize(
    "form",
    [
        "//registry.example/:_authToken={}",
        "_auth = {}",
        '"_password": {}',
        "Authorization: Bearer {}",
        "proxy-authorization: Basic {}",
        "authorization={}",
    ],
)
def test_no_named_secret_stays(form: str, secret: str) -> None:
    assert "hush" not in redact(form.format(secret))


@given(secret=SECRETS.filter(lambda text: not set(text) & set("&#")))
@pytest.mark.parametrize("name", ["token", "access_token", "private_token", "sig", "X-Amz-Signature", "password"])
def test_no_secret_of_a_query_stays(name: str, secret: str) -> None:
    assert redact(f"https://x.example/a?b=c&{name}={secret}&d=e") == f"https://x.example/a?b=c&{name}=***&d=e"


@given(ANYTHING | st.text(alphabet="/:@?=&token_auth "))
def test_redacted_text_is_not_redacted_again(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://registry.example/@tensorflow/tfjs/-/tfjs-4.22.0.tgz",
        "SyntaxError: unexpected token: }",
        "mail me@example.org, see https://example.org",
        "the author: somebody, auth: required",
        "file:///home/me@work/x",
        "a // b @ c",
        "http://localhost:4873/@tensorflow/tfjs",
        "C: a@b, x:y z@w",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://pypi.org/simple/", "https://pypi.org/simple/"),
        ("https://user:secret@host/simple", "https://***@host/simple"),
        ("https://secret@host:8443/simple", "https://***@host:8443/simple"),
        ("https://user:p@secret@host/simple", "https://***@host/simple"),
        ("https://host/simple/@scope", "https://host/simple/@scope"),
        ("file:///opt/simple", "file:///opt/simple"),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, shown: str) -> None:
    assert redact(f"error: GET {url}: 401") == f"error: GET {shown}: 401"
