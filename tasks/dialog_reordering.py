"""Dialog Reordering.

Abstract:
    The texts of three to six successive balloons are given out of order, with two candidate orders; which is the order
    in which they are read on the page?
Data:
    Texts and reading order of balloons. The wrong order is a plausible permutation of the right one.
Metric:
    Accuracy.
Citation:
    "Zooming into Comics" (arXiv:2511.06490), section 3.1 and Table 2.
"""

from comic_eval.contracts import TaskInfo
from comic_eval.task_kinds import CITATION, ChoiceTask

TASK = ChoiceTask(
    TaskInfo(
        name="dialog_reordering",
        title="Dialog Reordering",
        category="Multi-Panel Understanding",
        kind="choice",
        metric="accuracy",
        description="In which of two orders are the given balloons read?",
        citation=CITATION,
    )
)
