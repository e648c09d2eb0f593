"""What is sold for a time: subscriptions, their changes and prorations, schedules."""
