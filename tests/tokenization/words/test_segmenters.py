"""Segmenters: nothing of a text is lost or added, and what is not there says what to install."""

import builtins
import subprocess
import sys

import pytest

from tokenization.errors import RecipeError
from tokenization.words.segmenters import SEGMENTERS, find_segmenter

ODD = "我来到北京清华大学 hello  world, café don't\t\r\nGPT-4 3D打印。\u200b中\x00国 a\u3000b 𠮷野家"


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("text", [ODD, "", " ", "\n\n", "。", ODD[::-1]])
def test_the_pieces_put_end_to_end_are_the_text(name, text):
    pieces = find_segmenter(name)(text)
    assert "".join(pieces) == text
    assert all(pieces)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_white_space_stands_in_pieces_of_its_own(name):
    assert not [piece for piece in find_segmenter(name)(ODD) if piece != piece.strip() and piece.strip()]


@pytest.mark.parametrize("name", SEGMENTERS)
def test_chinese_words_are_found(name):
    assert find_segmenter(name)("我来到北京清华大学。") == ["我", "来到", "北京", "清华大学", "。"]


def test_an_unknown_segmenter_is_refused_with_the_nearest_spelling():
    with pytest.raises(RecipeError, match=r"'jeiba' is not one of jieba, rjieba\. Did you mean 'jieba'\?"):
        find_segmenter("jeiba")


def test_a_segmenter_that_is_not_installed_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "rjieba":
            raise ModuleNotFoundError("No module named 'rjieba'", name="rjieba")
        return real(name, *rest)

    find_segmenter.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RecipeError, match=r"needs the package rjieba.*pip install 'rjieba>=0\.2,<0\.3'"):
        find_segmenter("rjieba")


def test_a_segmenter_whose_native_part_is_broken_says_so(monkeypatch, tmp_path):
    (tmp_path / "rjieba.py").write_text("raise ImportError('librjieba.so: invalid ELF header')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rjieba", raising=False)
    find_segmenter.cache_clear()
    with pytest.raises(RecipeError, match=r"'rjieba' is installed but cannot be loaded: librjieba\.so.*reinstall"):
        find_segmenter("rjieba")


def test_jieba_says_nothing_and_leaves_nothing_in_the_temporary_folder(tmp_path):
    program = "from tokenization.words.segmenters import find_segmenter; find_segmenter('jieba')('北京')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"TMPDIR": str(tmp_path)}
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert not list(tmp_path.iterdir())
