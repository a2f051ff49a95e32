//! Nothing of its own: scripts of faults stand in `tests/faults`.
