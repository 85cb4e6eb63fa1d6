"""Panel Understanding.

Abstract:
    An open question about one panel. The panel is not marked: a phrase gives its place on the page, so that the model
    must find it before it can answer.
Data:
    Page annotations with questions, reference answers and the facts that a right answer must contain. Questions that a
    language model answers right without the page are kept apart from the scored splits.
Metric:
    Judged accuracy (a judge compares the answer with the reference and its facts).
Citation:
    "Zooming into Comics" (arXiv:2511.06490), section 3.1 and Table 2.
"""

from comic_eval.contracts import TaskInfo
from comic_eval.task_kinds import CITATION, OpenTask

TASK = OpenTask(
    TaskInfo(
        name="panel_understanding",
        title="Panel Understanding",
        category="Single-Panel Understanding",
        kind="open",
        metric="judged accuracy (a judge compares the answer with the reference and its facts)",
        description="An open question about a panel that is located in words only.",
        citation=CITATION,
    )
)
