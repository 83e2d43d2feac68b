from dagster import DefaultSensorStatus, Definitions, job, make_email_on_run_failure_sensor, op


@op
def o(): ...


@job
def watched():
    o()


plain = make_email_on_run_failure_sensor(
    email_from="no-reply@example.com", email_password="secret", email_to=["a@example.com", "b@example.com"]
)
full = make_email_on_run_failure_sensor(
    email_from="no-reply@example.com",
    email_password="secret",
    email_to=["a@example.com"],
    email_body_fn=lambda context: f"{context.dagster_run.job_name} failed",
    email_subject_fn=lambda context: "failed",
    smtp_host="mail.example.com",
    smtp_type="STARTTLS",
    smtp_port=587,
    smtp_user="user",
    name="mail_of_watched",
    monitored_jobs=[watched],
    webserver_base_url="http://localhost:3000",
    default_status=DefaultSensorStatus.RUNNING,
)

defs = Definitions(jobs=[watched], sensors=[plain, full])


def observe():
    return [
        [one.name, one.sensor_type.name, one.default_status.name, one.minimum_interval_seconds]
        for one in (plain, full)
    ]
