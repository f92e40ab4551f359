"""Reviews of books and of DVDs: what people liked and what they did not."""

from __future__ import annotations

from typing import Literal

from dtml import paths
from dtml.catalogue import Paper, param
from dtml.catalogue import Params as BaseParams
from dtml.errors import Problem
from dtml.frames import read
from dtml.language import Text, mark
from dtml.tasks import Progress, Task, Transfer
from dtml.tasks.texts import RECOMMENDED, load_texts

Name = Literal["books", "dvd"]


class Reviews(Task):
    """Amazon reviews of two kinds of product, 1000 positive and 1000 negative each.

    Each domain is split 60/10/30 by seed. Published figures mostly learn from all 2000 labelled reviews of the source
    and test on further ones of the target, which are no part of these files.
    """

    name = "reviews"
    title = Text("Amazon reviews: books, DVDs", "亚马逊评论：图书、DVD")
    summary = Text(
        "Positive and negative reviews of books and of DVDs, as their buyers wrote them.",
        "买家撰写的图书与 DVD 的正面与负面评论。",
    )
    paper = Paper(
        "Blitzer, Dredze, Pereira", 2007,
        "Biographies, Bollywood, Boom-boxes and Blenders: Domain Adaptation for Sentiment Classification",
        "https://aclanthology.org/P07-1056/", "section 2",
    )  # fmt: skip
    inputs = "texts"
    recommended = RECOMMENDED

    class Params(BaseParams):
        """From which domain to which."""

        source: Name = param("books", "Source", "源域")
        target: Name = param("dvd", "Target", "目标域")

    def load(self, seed: int, progress: Progress | None = None) -> Transfer:
        problem = self.missing()
        if problem:
            raise problem
        names = self.params.source, self.params.target
        if names[0] == names[1]:
            raise Problem(mark("Source and target are both '{domain}'; choose two different domains."), domain=names[0])
        if progress:
            progress(mark("Reading the reviews"), 0.0)
        source, target = (paths.find_data("reviews", f"{name}.csv") for name in names)
        assert source is not None
        assert target is not None
        return load_texts((read(source), read(target)), "text", "label", seed)

    def missing(self) -> Problem | None:
        absent = [name for name in (self.params.source, self.params.target) if not _here(name)]
        told = mark("The reviews of '{domain}' are not on disk and are not published for direct download in this form; "
                    "put '{domain}.csv' with the columns text and label below '{place}' in DTML_DATA.")  # fmt: skip
        return Problem(told, domain=absent[0], place="reviews") if absent else None


def _here(name: str) -> bool:
    return paths.find_data("reviews", f"{name}.csv") is not None
