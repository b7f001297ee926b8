"""Training in spite of wrong labels: losses, selectors and schedules for anybody's loop, and ready trainings on arrays."""
