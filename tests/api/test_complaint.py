"""The sentence meant for people in an error's body."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from tenx_async.api.complaint import complaint

STATUS = (
    '{"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", '
    '"message": "services \\"web\\" not found", "reason": "NotFound", "code": 404}'
)
PAGE = """<html><head><title>502 Bad Gateway</title><style>h1 {color: red}</style>
<script>alert("x")</script></head><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"""


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('{"message": "no such service"}', "no such service"),
        ('{"error": "no such service"}', "no such service"),
        ('{"details": "no such service"}', "no such service"),
        ('{"msg": "no such service", "code": 1}', "no such service"),
        ('{"message": null, "error": "bad token"}', "bad token"),
        ('{"message": "", "reason": "Expired"}', "Expired"),
        ('{"message": "first", "error": "second"}', "first"),
        ('{"error": {"code": 5}}', '{"code": 5}'),
        ('{"code": 40401}', '{"code": 40401}'),
        ('{"message": ["a", "b"]}', '["a", "b"]'),
        ('"just a text"', "just a text"),
        (STATUS, 'services "web" not found'),
        ("no such\n  service\n", "no such service"),
        ("", ""),
        (PAGE, "502 Bad Gateway 502 Bad Gateway nginx"),
        ('{"message": "日志"}', "日志"),
        ('{"code": ["日志"]}', '{"code": ["日志"]}'),
    ],
)
def test_the_sentence_is_found(body: str, sentence: str) -> None:
    """JSON, a Kubernetes status, text and a proxy's page all have their sentence."""
    assert sentence == complaint(body)


def test_a_long_complaint_is_cut() -> None:
    """A message stays readable, however much the server has to say."""
    assert "x" * 300 + "…" == complaint("x" * 1000)


@pytest.mark.parametrize(
    "body", ["[" * 50_000, '{"a":' * 50_000, '{"message": ' + "9" * 5000 + "}"]
)
def test_a_strange_body_does_no_harm(body: str) -> None:
    """Finding the sentence never fails."""
    assert 301 >= len(complaint(body))


@pytest.mark.parametrize(
    "body",
    ["<" * 65_536, "<script " * 8_192, "<!-- " * 13_107, "<style>" * 9_362],
    ids=["angles", "scripts", "comments", "styles"],
)
def test_a_page_of_open_tags_is_read_in_no_time(body: str) -> None:
    """No error's body holds the loop up: the time grows with its length, not with its square."""
    began = time.process_time()
    complaint(body)
    assert time.process_time() - began < 0.1


def test_a_script_that_does_not_end_is_left_out() -> None:
    """A page that is cut shows no code."""
    assert "502 Bad Gateway" == complaint("<h1>502 Bad Gateway</h1><script>alert(1); if (a < b)")


def test_a_secret_is_masked_before_it_is_cut() -> None:
    """No half of a secret stays at the end of a long sentence."""
    sentence = complaint("x" * 297 + "s3cret", lambda text: text.replace("s3cret", "***"))

    assert "x" * 297 + "***" == sentence


@given(st.text())
def test_any_body_has_a_short_sentence(body: str) -> None:
    """Finding the sentence never fails, and gives one line."""
    sentence = complaint(body)

    assert 301 >= len(sentence)
    assert "\n" not in sentence
