"""Lesson 15's claims about its parts: what each of them knows, and what a text becomes."""

import ast
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from classroom import catalog
from lesson15 import embedding
from lesson15.celery_app import app
from lesson15.names import CHAT, DOCUMENTS, HOUSEKEEPING, TaskNames

pytestmark = pytest.mark.once

LESSON = catalog.find("15")


def test_another_embedder_is_one_setting(tmp_path: Path) -> None:
    """Where fastembed is missing, the worker says so when it starts; where it is there, its model is used."""
    code = "from lesson15.embedding import embed; print(embed(['one', 'two']))"
    env = {**os.environ, "EMBEDDER": "BAAI/bge-small-en-v1.5", "PYTHONPATH": str(tmp_path)}
    missing = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert missing.returncode == 1
    assert missing.stderr == "EMBEDDER is 'BAAI/bge-small-en-v1.5', which needs fastembed: pip install fastembed\n"
    (tmp_path / "fastembed.py").write_text(
        "from array import array\n"
        "class TextEmbedding:\n"
        "    def __init__(self, name): self.name = name\n"
        "    def embed(self, texts): return (array('i', [len(text), len(self.name)]) for text in texts)\n"
    )
    there = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert there.stdout == "[[3, 22], [3, 22]]\n"


def test_the_arrows_point_inwards() -> None:
    """api, tasks → service, pipeline → store → model: nothing knows who stands further out."""
    order = [{"settings", "names"}, {"model"}, {"database"}, {"store"}, {"sending"}, {"service", "pipeline"},
             {"api", "tasks"}]  # fmt: skip
    for at, names in enumerate(order):
        outer = {f"lesson15.{name}" for further in order[at + 1 :] for name in further}
        for name in names:
            known = set()
            for node in ast.walk(ast.parse((LESSON.folder / f"{name}.py").read_text())):
                if isinstance(node, ast.ImportFrom):
                    known |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            assert not known & outer, name


def test_the_api_beat_and_flower_never_load_the_workers_code() -> None:
    """No task, no PDF, no vectors; and nobody opens a connection before the fork."""
    code = "import sys, lesson15.api, lesson15.celery_app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"lesson15.tasks", "lesson15.pipeline", "lesson15.embedding", "pypdf", "mmh3"} & set(loaded)
    code = (
        "import sys; from lesson15 import database, tasks; print(database.engine.cache_info().currsize, *sys.modules)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert made[0] == "0"
    assert not {"pypdf", "cryptography", "lesson15.formats"} & set(made)  # only the process that reads has them


def test_each_kind_of_work_has_its_queue() -> None:
    """And beat sends the clean-up at midnight of the zone in which this computer is."""
    routed = {name: app.amqp.router.route({}, name)["queue"].name for name in TaskNames}
    assert routed == {
        TaskNames.EXTRACT: DOCUMENTS, TaskNames.EMBED: DOCUMENTS, TaskNames.INDEX: DOCUMENTS, TaskNames.ANSWER: CHAT,
        TaskNames.FIND_STUCK: HOUSEKEEPING, TaskNames.CLEAN_UP: HOUSEKEEPING,
    }  # fmt: skip
    code = "from lesson15.celery_app import app; s = app.conf.beat_schedule['clean up at midnight']['schedule'];" \
           "print(app.conf.timezone, s.hour, s.minute)"  # fmt: skip
    for zone in "Asia/Seoul", "America/New_York":
        env = {**os.environ, "TIMEZONE": "", "TZ": zone}
        told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert told.stdout == f"{zone} {{0}} {{0}}\n"


def test_a_text_and_a_question_may_be_spelled_differently() -> None:
    """Ligatures, full-width letters, soft hyphens, and accents or Hangul in one letter or in several."""
    decomposed = unicodedata.normalize("NFD", "café 고래")
    for one, other in [
        ("the o\ufb03ce \ufb01les", "the office files"), ("ｗｈａｌｅ", "whale"), (decomposed, "CAFÉ 고래"),
        ("la\u00adby\u200brinth", "labyrinth"), ("Straße", "STRASSE"),
    ]:  # fmt: skip
        assert list(embedding.terms(one)) == list(embedding.terms(other))
        assert embedding.embed([one]) == embedding.embed([other])


def test_vectors_stay_what_they_were() -> None:
    """Those of scikit-learn 1.9's HashingVectorizer, which earlier versions of the course have stored."""
    [vector, nothing] = embedding.embed(["The whale, whales and the 고래 of Straße 7", "the of and"])
    places = {place: round(value, 4) for place, value in enumerate(vector) if value}
    assert places == {217: 0.8165, 717: -0.4082, 803: 0.4082}  # whale twice, strasse and 고래
    assert nothing == [0] * 1024
