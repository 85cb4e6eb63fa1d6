"""Depth Comparison.

Abstract:
    Two characters of one panel are marked; which one is nearer to the viewer?
Data:
    Depth ranks of characters inside their panel. Ties and unknown depths are left out.
Metric:
    Accuracy.
Citation:
    "Zooming into Comics" (arXiv:2511.06490), section 3.1 and Table 2.
"""

from comic_eval.contracts import TaskInfo
from comic_eval.task_kinds import CITATION, ChoiceTask

TASK = ChoiceTask(
    TaskInfo(
        name="depth_comparison",
        title="Depth Comparison",
        category="Single-Panel Recognition",
        kind="choice",
        metric="accuracy",
        description="Which of two marked characters is nearer to the viewer?",
        citation=CITATION,
    )
)
