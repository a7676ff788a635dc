"""How people come into a VO and stay in it: applications from form to decision, renewal, reminders, expiry, removal."""
