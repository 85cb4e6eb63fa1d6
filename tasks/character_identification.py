"""Character Identification.

Abstract:
    Two characters in different panels are marked; are they the same one or not?
Data:
    Identities of characters over a page. The number of choices belongs to the sample; wrong pairs are hard ones where
    the page allows it.
Metric:
    Accuracy.
Citation:
    "Zooming into Comics" (arXiv:2511.06490), section 3.1 and Table 2.
"""

from comic_eval.contracts import TaskInfo
from comic_eval.task_kinds import CITATION, ChoiceTask

TASK = ChoiceTask(
    TaskInfo(
        name="character_identification",
        title="Character Identification",
        category="Multi-Panel Recognition",
        kind="choice",
        metric="accuracy",
        description="Are two marked characters in different panels the same?",
        citation=CITATION,
    )
)
