"""Checks of a learner's own code, by its behaviour. Each returns a `Verdict` and never raises."""

from maml_edu.exercises.judge import Verdict, judge
from maml_edu.exercises.lesson00 import check_first_below_half, check_know_nothing
from maml_edu.exercises.lesson01 import check_conditional_mean, check_floor, check_sample_task
from maml_edu.exercises.lesson02 import check_inner_loop, check_inner_step, check_rates_step
from maml_edu.exercises.lesson03 import (
    check_jacobian_product,
    check_outer_step,
    check_second_order,
    check_task_loss,
)
from maml_edu.exercises.lesson04 import (
    check_half_width,
    check_honest_error,
    check_meta_rate,
    check_meta_step,
)
from maml_edu.exercises.lesson05 import check_first_order, check_reptile_step, check_step_weights
from maml_edu.exercises.lesson06 import check_cka, check_lowest_curvature, check_plane_point
from maml_edu.exercises.lesson07 import (
    check_draw_episode,
    check_find_leaks,
    check_split_by_class,
)
from maml_edu.exercises.lesson08 import (
    check_accuracy_interval,
    check_classifier_loss,
    check_support_norm,
)
from maml_edu.exercises.lesson09 import (
    check_diagnosis,
    check_looks_sideways,
    check_mended_step,
)
from maml_edu.exercises.lesson10 import check_attention, check_nearest, check_prototypes
from maml_edu.exercises.lesson11 import check_head_for, check_ink, check_placed
from maml_edu.exercises.lesson12 import check_walk_back, check_workers_mean
from maml_edu.exercises.solved import add_magic, progress, recorded

__all__ = [
    "Verdict",
    "check_accuracy_interval",
    "check_attention",
    "check_cka",
    "check_classifier_loss",
    "check_conditional_mean",
    "check_diagnosis",
    "check_draw_episode",
    "check_find_leaks",
    "check_first_below_half",
    "check_first_order",
    "check_floor",
    "check_half_width",
    "check_head_for",
    "check_honest_error",
    "check_ink",
    "check_inner_loop",
    "check_inner_step",
    "check_jacobian_product",
    "check_know_nothing",
    "check_looks_sideways",
    "check_lowest_curvature",
    "check_mended_step",
    "check_meta_rate",
    "check_meta_step",
    "check_nearest",
    "check_outer_step",
    "check_placed",
    "check_plane_point",
    "check_prototypes",
    "check_rates_step",
    "check_reptile_step",
    "check_sample_task",
    "check_second_order",
    "check_split_by_class",
    "check_step_weights",
    "check_support_norm",
    "check_task_loss",
    "check_walk_back",
    "check_workers_mean",
    "judge",
    "progress",
]

# `progress` follows them all, in the order in which their modules define them: the lessons'.
_checks = [made for name, made in globals().items() if name.startswith("check_")]
for _check in sorted(_checks, key=lambda made: (made.__module__, made.__code__.co_firstlineno)):
    globals()[_check.__name__] = recorded(_check)

add_magic()
