"""Which words a text must hold so that a regular expression can match it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import _constants as op, _parser  # type: ignore[attr-defined]  # nothing public parses
from typing import Any

_BREAK = "\0"
"""Stands where the expression may match anything."""
_WORD = re.compile(r"(?<=[\x01-\x7f])(?<![A-Za-z0-9\0])[A-Za-z0-9]+(?=(.?))", re.DOTALL)
_EDGES = {op.AT_BEGINNING, op.AT_BEGINNING_STRING, op.AT_END, op.AT_END_STRING}
_REPEATS = {op.MAX_REPEAT, op.MIN_REPEAT}


def words_query(pattern: re.Pattern[str]) -> str | None:
    r"""Write an FTS5 query that every text has which the expression matches; `None`: all texts.

    A word of the expression is a whole word of the text only where it is delimited in both: so
    only those count that stand behind a literal ASCII sign other than a letter or a digit, or at
    an edge of the text or of a line, which no tokenizer joins to a word. Without such a sign
    behind it, a word may go on in the text, and is asked for as the beginning of one. The index
    folds case and accents, which only ever finds more; `\b` counts for nothing, since words with
    combining accents end elsewhere for the index than for the expression.
    """
    literal = "".join(_flat(_parser.parse(pattern.pattern, pattern.flags)))
    found = [
        _cut(word[0], is_whole=bool(word[1]) and word[1] < "\x80" and word[1] != _BREAK, of=pattern)
        for word in _WORD.finditer(literal)
    ]
    return " ".join(dict.fromkeys(filter(None, found))) or None


def _cut(word: str, *, is_whole: bool, of: re.Pattern[str]) -> str:
    """Ask for a word, or for its beginning: where case is ignored, `i` may be a dotless one.

    That one the index does not fold.
    """
    kept = re.split("[iI]", word)[0] if of.flags & re.IGNORECASE else word
    return f'"{kept}"{"" if is_whole and kept == word else " *"}' if kept else ""


def _flat(parsed: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    """Spell what must stand there, one after the other."""
    for kind, what in parsed:
        if kind is op.LITERAL:
            yield chr(what)
        elif kind is op.SUBPATTERN and not what[1] and not what[2]:
            yield from _flat(what[3])
        elif kind is op.AT:
            yield "\n" if what in _EDGES else ""
        elif kind in _REPEATS and what[0]:
            yield from (_BREAK, *_flat(what[2]), _BREAK)
        else:
            yield _BREAK
