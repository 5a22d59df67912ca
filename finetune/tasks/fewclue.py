"""FewCLUE (Xu et al. 2021, arXiv:2107.07498): nine tasks with a few dozen training rows, as distributed.

`train` and `dev` are the merged sets; `train_0` … `train_4` with `dev_0` … `dev_4` are the five fixed draws that
they merge. `test_public` has labels, `test` is the board's. Names end in f where a task of CLUE has the same name
without it; folders have none. Counts are told where they are known.
"""

from finetune.tasks.clue import IFLYTEK, OCNLI, TNEWS
from finetune.tasks.spec import Published, TaskSpec

_README = "FewCLUE's README, row Human"
_CITATION = "Xu et al. 2021, FewCLUE: A Chinese Few-shot Learning Evaluation Benchmark"
_NUMBERS = range(5)
DRAWS = tuple(f"{split}_{number}" for split in ("train", "dev") for number in _NUMBERS)
"""The splits whose rows `train` and `dev` hold too."""


def _files(folder: str) -> dict[str, str | tuple[str, ...]]:
    """FewCLUE's files of a task, by split."""
    names = {"train": "train_few_all", "dev": "dev_few_all", "test_public": "test_public", "test": "test"}
    return {split: f"fewclue/{folder}/{name}.json" for split, name in (names | {draw: draw for draw in DRAWS}).items()}


def _rows(train_draw: int, dev_draw: int, **others: int) -> dict[str, int]:
    """Official counts: rows of each fixed draw, and of other splits."""
    draws = {"train": train_draw, "dev": dev_draw}
    return others | {f"{split}_{number}": rows for split, rows in draws.items() for number in _NUMBERS}


EPRSTMT = TaskSpec(
    name="eprstmt",
    kind="classification",
    fields=("sentence",),
    label="label",
    files=_files("eprstmt"),
    hidden=("test",),
    rows=_rows(32, 32, test_public=610, test=753),
    id="id",
    labels=("Negative", "Positive"),
    published=(Published("people", "test_public", "accuracy", 0.900, _README),),
    citation=_CITATION,
)

CSLDCP = TaskSpec(
    name="csldcp",
    kind="classification",
    fields=("content",),
    label="label",
    files=_files("csldcp"),
    hidden=("test",),
    rows=_rows(536, 536, test_public=1784, test=2999),
    id="id",
    labels=(
        *("材料科学与工程", "作物学", "口腔医学", "药学", "教育学", "水利工程", "理论经济学", "食品科学与工程"),
        *("畜牧学/兽医学", "体育学", "核科学与技术", "力学", "园艺学", "水产", "法学", "地质学/地质资源与地质工程"),
        *("石油与天然气工程", "农林经济管理", "信息与通信工程", "图书馆、情报与档案管理", "政治学", "电气工程"),
        *("海洋科学", "民族学", "航空宇航科学与技术", "化学/化学工程与技术", "哲学", "公共卫生与预防医学", "艺术学"),
        *("农业工程", "船舶与海洋工程", "计算机科学与技术", "冶金工程", "交通运输工程", "动力工程及工程热物理"),
        *("纺织科学与工程", "建筑学", "环境科学与工程", "公共管理", "数学", "物理学", "林学/林业工程", "心理学"),
        *("历史学", "工商管理", "应用经济学", "中医学/中药学", "天文学", "机械工程", "土木工程", "光学工程", "地理学"),
        *("农业资源利用", "生物学/生物科学与工程", "兵器科学与技术", "矿业工程", "大气科学", "基础医学/临床医学"),
        *("电子科学与技术", "测绘科学与技术", "控制科学与工程", "军事学", "中国语言文学", "新闻传播学", "社会学"),
        *("地球物理学", "植物保护"),
    ),
    published=(Published("people", "test_public", "accuracy", 0.680, _README),),
    citation=_CITATION,
)

TNEWSF = TaskSpec(
    name="tnewsf",
    kind="classification",
    fields=("sentence",),
    label="label",
    files=_files("tnews"),
    hidden=("test",),
    rows=_rows(240, 240, test_public=2010, test=1500),
    id="id",
    labels=TNEWS.labels,
    published=(Published("people", "test_public", "accuracy", 0.710, _README),),
    citation=_CITATION,
)

IFLYTEKF = TaskSpec(
    name="iflytekf",
    kind="classification",
    fields=("sentence",),
    label="label",
    files=_files("iflytek"),
    hidden=("test",),
    rows=_rows(928, 690, train=3024, dev=1373, test_public=1749, test=2279),
    id="id",
    labels=IFLYTEK.labels,
    published=(Published("people", "test_public", "accuracy", 0.660, _README),),
    citation=_CITATION,
)

OCNLIF = TaskSpec(
    name="ocnlif",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files=_files("ocnli"),
    hidden=("test",),
    rows=_rows(32, 32, test_public=2520, test=3000),
    dropped=OCNLI.dropped,
    id="id",
    labels=OCNLI.labels,
    published=(Published("people", "test_public", "accuracy", 0.903, _README),),
    citation=_CITATION,
)

BUSTM = TaskSpec(
    name="bustm",
    kind="classification",
    fields=("sentence1", "sentence2"),
    label="label",
    files=_files("bustm"),
    hidden=("test",),
    rows=_rows(32, 32, test_public=1772, test=2000),
    id="id",
    labels=("0", "1"),
    published=(Published("people", "test_public", "accuracy", 0.880, _README),),
    citation=_CITATION,
)

CHIDF = TaskSpec(
    name="chidf",
    kind="choice",
    fields=("content", "candidates"),
    label="answer",
    files=_files("chid"),
    hidden=("test",),
    rows=_rows(42, 42, train=202, dev=202, test_public=2002, test=2000),
    id="id",
    layout="chid",
    published=(Published("people", "test_public", "accuracy", 0.871, _README),),
    citation=_CITATION,
)

CSLF = TaskSpec(
    name="cslf",
    kind="classification",
    fields=("abst", "keyword"),
    label="label",
    files=_files("csl"),
    hidden=("test",),
    rows=_rows(32, 32, train=160, dev=160, test_public=2838, test=3000),
    id="id",
    labels=("0", "1"),
    published=(Published("people", "test_public", "accuracy", 0.840, _README),),
    citation=_CITATION,
)

CLUEWSCF = TaskSpec(
    name="cluewscf",
    kind="classification",
    fields=("text",),
    label="label",
    files=_files("cluewsc"),
    hidden=("test",),
    rows=_rows(32, 32, train=160, dev=159, test_public=976, test=290),
    id="id",
    layout="marked_pair",
    labels=("false", "true"),
    published=(Published("people", "test_public", "accuracy", 0.980, _README),),
    citation=_CITATION,
)

FEWCLUE = (EPRSTMT, CSLDCP, TNEWSF, IFLYTEKF, OCNLIF, BUSTM, CHIDF, CSLF, CLUEWSCF)
