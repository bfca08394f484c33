"""The bundled sample submissions, graded by default.

`samples.toml` says what each is made of: the reference's files of some stages, then its own files
in `submission-NN/kvstore`, then skeletons for the rest. So a sample repeats nothing, and stays in
step with the course.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

from grader.course import REFERENCE_DIR, Course, load_course

SAMPLES_DIR = Path(__file__).parent


def lay_out_samples(into: Path) -> list[Path]:
    """Write every sample as a submission folder below `into`, and return these folders in order."""
    course = load_course()
    data = tomllib.loads((SAMPLES_DIR / "samples.toml").read_text(encoding="utf-8"))
    return [_lay_out(course, into, sample) for sample in data["sample"]]


def _lay_out(course: Course, into: Path, sample: dict[str, object]) -> Path:
    name, stages = str(sample["name"]), sample["reference_stages"]
    assert isinstance(stages, list)
    package = into / name / "kvstore"
    package.mkdir(parents=True)
    for given in course.given:
        shutil.copyfile(course.given_dir / given, package / given)
    for stage in course.stages:
        origin = REFERENCE_DIR if stage.number in stages else stage.skeleton
        for file in stage.files:
            shutil.copyfile(origin / file, package / file)
    for own in sorted((SAMPLES_DIR / name / "kvstore").glob("*.py")):
        shutil.copyfile(own, package / own.name)
    return into / name
