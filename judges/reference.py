"""The reference judge: grades an open answer by its words alone, deterministic and free.

Correct is an answer that equals the reference but for spelling, or that covers every fact; see
`comic_eval.answers.facts`. It cannot know synonyms or who does what, so its scores are not comparable with those of an
LLM judge.

How well it does, on answers about the pepper-carrot questions in both languages that were written for the purpose by
the author of its rules (comic_eval/data/judge, and tests/judges for the episodes of the training split):

- right paraphrases and plainly wrong answers: 92 of 100 on the episodes that the threshold was chosen on, 124 of 129 on
  the others; all 13 errors are paraphrases that it missed;
- near misses (roles swapped, one word wrong, negated): 16 of 23 are rejected. What it lets pass is roles swapped and
  single wrong words beside right ones.
- 168 answers written after its rules, each paraphrase in other words than the reference and nearly every wrong one a
  near miss: 98 agree (Cohen's kappa 0.16). What no word betrays is beyond it.

Over all 516 questions of the benchmark, 444 references cover their own facts by words alone, the reference of another
question of the same page passes 9 times, and the question itself never. Expect less on answers of real models.
"""

from __future__ import annotations

from comic_eval.answers.facts import content, covers, is_same, relevance, token_f1
from comic_eval.answers.normalise import words
from comic_eval.errors import PluginError
from comic_eval.types import Sample, Score

# The prompt asks for one or two sentences. Longer texts could cover any fact by naming everything on the page.
LONGEST_ANSWER = 120
# A list of everything on the page: many words, few of them about what is asked.
SCATTERED_WORDS, SCATTERED_RELEVANCE = 30, 0.2


class ReferenceJudge:
    """Grades against the reference and its facts.

    The details of a score: ``token_f1`` with the reference, ``facts_covered`` as a share of the facts.
    """

    id = "reference-v2"
    comparable = False

    async def grade(self, answer: str, sample: Sample) -> Score:
        """1.0 for correct, 0.0 for incorrect, with a reason where a rule decided against the facts."""
        length = len(words(answer))
        if not length:
            return Score(value=0.0, reason="empty", detail={"token_f1": 0.0, "facts_covered": 0.0})
        f1 = token_f1(answer, sample.answer)
        if length > LONGEST_ANSWER:
            return Score(value=0.0, reason="too_long", detail={"token_f1": f1, "facts_covered": 0.0})
        facts = sample.facts or (sample.answer,)
        if len(content(answer)) > SCATTERED_WORDS:
            about = relevance(answer, sample.question, sample.answer, *facts)
            if about < SCATTERED_RELEVANCE:
                return Score(value=0.0, reason="scattered", detail={"token_f1": f1, "facts_covered": 0.0})
        covered = sum(covers(answer, fact, sample.question) for fact in facts) / len(facts)
        correct = covered == 1.0 or is_same(answer, sample.answer)
        return Score(value=float(correct), detail={"token_f1": f1, "facts_covered": covered})


def create(name: str = "", **settings: object) -> ReferenceJudge:
    """The judge; it has no name of its own and no settings.

    Raises:
        PluginError: some were given.
    """
    if name or settings:
        raise PluginError(
            f"the reference judge takes no name and no settings ({', '.join([name] * bool(name) + [*settings])})"
        )
    return ReferenceJudge()
