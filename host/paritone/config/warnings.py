"""Where the device cannot do as the host does, and what is accepted without effect."""

from __future__ import annotations

from paritone.config.records import Config


def device_warnings(config: Config) -> list[str]:
    """Return one line for each key whose meaning a stream of audio cannot follow."""
    found = []
    audio, features = config.preprocessing, config.feature_extraction
    if audio.top_db is not None:
        found.append(
            f"preprocessing.top_db {audio.top_db:g}: silence is judged against the clip's loudest "
            "frame, which a stream cannot know; the device trims nothing"
        )
    if features.to_db:
        reference = features.db_reference
        found.append(
            "feature_extraction.to_db True: decibels are relative to the clip's maximum, which a "
            "stream cannot know; "
            + (
                "the device refuses this configuration without feature_extraction.db_reference"
                if reference is None
                else f"on the device they are relative to db_reference, {reference:g}"
            )
        )
    if features.center:
        last = -(-(features.n_fft // 2) // features.hop_length)
        found.append(
            f"feature_extraction.center True: a clip's last frames ({last} at most) are computed "
            "when it ends; a live stream never does, and has none of them"
        )
    return found


def unused(config: Config) -> list[str]:
    """Return one line for each section or key that is accepted and has no effect."""
    found = []
    stedgeai, cube = config.tools.stedgeai, config.tools.path_to_cubeIDE
    ours = {"optimization"}
    keys = [k for k, v in stedgeai or () if v is not None and k not in ours]
    named = [f"tools.stedgeai.{key}" for key in keys]
    named += ["tools.path_to_cubeIDE"] if cube is not None else []
    if named:
        found.append(f"{', '.join(named)}: of ST's own tools; accepted, and unused here")
    if config.general.gpu_memory_limit is not None:
        found.append(
            "general.gpu_memory_limit: accepted, and unused here; TF_FORCE_GPU_ALLOW_GROWTH=true "
            "keeps TensorFlow from taking all of a GPU's memory"
        )
    features = config.feature_extraction
    if features.db_reference is not None and not features.to_db:
        found.append("feature_extraction.db_reference: without to_db it has no effect")
    if config.class_thresholds is not None and not config.dataset.multi_label:
        found.append("deployment.class_thresholds: without dataset.multi_label it has no effect")
    return found
