"""Partitions are added and deleted by a sensor that asks a database."""

from dagster import (
    AssetExecutionContext,
    Definitions,
    DynamicPartitionsDefinition,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    asset,
    build_sensor_context,
    define_asset_job,
    instance_for_test,
    sensor,
)

images = DynamicPartitionsDefinition(name="images")
DATABASE = ["cat", "dog"]


@asset(partitions_def=images)
def thumbnail(context: AssetExecutionContext):
    return f"{context.partition_key}.png"


@asset(partitions_def=images, deps=[thumbnail])
def gallery(context):
    return context.asset_partition_key_for_output()


images_job = define_asset_job("images_job", [thumbnail, gallery], partitions_def=images)


@sensor(job=images_job)
def image_sensor(context: SensorEvaluationContext):
    new = [
        name
        for name in DATABASE
        if not images.has_partition_key(name, dynamic_partitions_store=context.instance)
    ]
    return SensorResult(
        run_requests=[RunRequest(partition_key=name) for name in new],
        dynamic_partitions_requests=[images.build_add_request(new)],
    )


@sensor(job=images_job)
def forgets(context):
    gone = [key for key in context.instance.get_dynamic_partitions("images") if key not in DATABASE]
    return SensorResult(dynamic_partitions_requests=[images.build_delete_request(gone)])


@sensor(job=images_job)
def adds_directly(context):
    name = "bird"
    if not context.instance.has_dynamic_partition(images.name, name):
        context.instance.add_dynamic_partitions(images.name, [name])
    return RunRequest(run_key=name, partition_key=name)


defs = Definitions(
    assets=[thumbnail, gallery], jobs=[images_job], sensors=[image_sensor, forgets, adds_directly]
)


def test_image_sensor():
    with instance_for_test() as instance:
        result = image_sensor(build_sensor_context(instance=instance))
        assert [one.partition_key for one in result.run_requests] == ["cat", "dog"]
        (request,) = result.dynamic_partitions_requests
        assert request.partitions_def_name == "images" and list(request.partition_keys) == ["cat", "dog"]
        instance.add_dynamic_partitions("images", ["cat", "fox"])
        assert [
            one.partition_key for one in image_sensor(build_sensor_context(instance=instance)).run_requests
        ] == ["dog"]
        deleted = forgets(build_sensor_context(instance=instance)).dynamic_partitions_requests[0]
        assert list(deleted.partition_keys) == ["fox"]


def test_direct_addition():
    with instance_for_test() as instance:
        request = adds_directly(build_sensor_context(instance=instance))
        assert request.partition_key == "bird"
        assert instance.get_dynamic_partitions("images") == ["bird"]
