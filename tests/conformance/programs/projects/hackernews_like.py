from typing import List

import dagster as dg


class Limits(dg.Config):
    top: int = 3


class Client(dg.ConfigurableResource):
    site: str = "news.example.org"

    def items(self) -> List[dict]:
        return [{"id": n, "title": f"{self.site} story {n}", "score": n * n} for n in range(5)]


@dg.asset(group_name="news", tags={"layer": "raw"})
def story_ids(client: Client, config: Limits) -> List[int]:
    return [item["id"] for item in client.items()][: config.top]


@dg.asset(group_name="news")
def stories(context: dg.AssetExecutionContext, client: Client, story_ids: List[int]) -> dg.Output[List[dict]]:
    found = [item for item in client.items() if item["id"] in story_ids]
    return dg.Output(found, metadata={"num_records": len(found), "preview": dg.MetadataValue.md("|id|")})


@dg.asset(group_name="news")
def most_frequent_words(stories) -> dg.MaterializeResult:
    words: dict = {}
    for story in stories:
        for word in story["title"].split():
            words[word] = words.get(word, 0) + 1
    return dg.MaterializeResult(value=words, metadata={"distinct": len(words)})


news_job = dg.define_asset_job(
    "news_job",
    selection=dg.AssetSelection.groups("news"),
    config=dg.RunConfig(ops={"story_ids": Limits(top=2)}),
)
hourly = dg.ScheduleDefinition(job=news_job, cron_schedule="0 * * * *")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[news_job],
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def news_done(context: dg.RunStatusSensorContext):
    return context.dagster_run.job_name


defs = dg.Definitions(
    assets=[story_ids, stories, most_frequent_words],
    jobs=[news_job],
    schedules=[hourly],
    sensors=[news_done],
    resources={"client": Client()},
)


def test_job():
    result = defs.get_job_def("news_job").execute_in_process()
    assert result.asset_value("story_ids") == [0, 1]
    assert result.asset_value("most_frequent_words")["story"] == 2
