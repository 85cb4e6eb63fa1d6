"""Character Counting.

Abstract:
    One character is marked; in how many panels of the page does it appear?
Data:
    Identities of characters over a page; the answer counts panels, the marked one included.
Metric:
    Accuracy (exact number); mean absolute error and the share within one beside it.
Citation:
    "Zooming into Comics" (arXiv:2511.06490), section 3.1 and Table 2.
"""

from comic_eval.contracts import TaskInfo
from comic_eval.task_kinds import CITATION, CountTask

TASK = CountTask(
    TaskInfo(
        name="character_counting",
        title="Character Counting",
        category="Multi-Panel Recognition",
        kind="number",
        metric="accuracy (exact number); mean absolute error and the share within one beside it",
        description="In how many panels of the page does the marked character appear?",
        citation=CITATION,
    )
)
