"""Panel Reordering.

Abstract:
    Two panels are lifted out of the page, their places numbered, and both shown beside the page as A and B, in one
    common shape; which one belongs at the place that the question names?
Data:
    Boxes and order of panels. The exact form of the published task is not known: this one is a variant of it.
Metric:
    Accuracy.
Citation:
    "Zooming into Comics" (arXiv:2511.06490), section 3.1 and Table 2.
"""

from comic_eval.contracts import TaskInfo
from comic_eval.task_kinds import CITATION, ChoiceTask

TASK = ChoiceTask(
    TaskInfo(
        name="panel_reordering",
        title="Panel Reordering",
        category="Multi-Panel Understanding",
        kind="choice",
        metric="accuracy",
        description="Which of two lifted panels belongs at a numbered place?",
        citation=CITATION,
    )
)
