"""What every room stands on: configuration, database, errors, serving, workflows, telemetry, i18n."""
