"""Action Recognition.

Abstract:
    A character is marked on the page; which of four actions is it doing?
Data:
    Action labels of characters. Labels that a fair reader could accept too are never among the wrong choices.
Metric:
    Accuracy.
Citation:
    "Zooming into Comics" (arXiv:2511.06490), section 3.1 and Table 2.
"""

from comic_eval.contracts import TaskInfo
from comic_eval.task_kinds import CITATION, ChoiceTask

TASK = ChoiceTask(
    TaskInfo(
        name="action_recognition",
        title="Action Recognition",
        category="Single-Panel Recognition",
        kind="choice",
        metric="accuracy",
        description="What is the marked character doing? Four choices.",
        citation=CITATION,
    )
)
