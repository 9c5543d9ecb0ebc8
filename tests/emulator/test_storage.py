"""Storage: upload URLs, what may be sent to them, folders, and runs whose script was never uploaded."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.emulator.settings import EmulatorSettings
from tests.emulator.shapes import checked

Service = Callable[..., httpx.AsyncClient]
BASE = "/storage/user_files::aws-us-west-2"
URL = f"{BASE}/file-upload-url"
TICKET = "/storage/{storage_id}/file-upload-url/{path}"
FOLDER = "/storage/{storage_id}/directories/{path}"
DELETED = "/storage/{storage_id}/files/{path}"


async def put(client: httpx.AsyncClient, url: str, content: bytes = b"print()", **headers: str) -> httpx.Response:
    """Send bytes to an upload URL as a careful client does: without the API key."""
    request = client.build_request("PUT", url, content=content, headers=headers)
    if "X-API-Key" not in headers:
        del request.headers["X-API-Key"]
    return await client.send(request)


async def upload(client: httpx.AsyncClient, path: str, content: bytes = b"print()") -> str:
    """The destination of a file that was uploaded."""
    ticket = checked(await client.post(f"{URL}/{path}"), TICKET)
    assert (await put(client, ticket["uploadUrl"], content)).status_code == 200
    return str(ticket["destination"])


async def names(client: httpx.AsyncClient, path: str = "", **query: Any) -> list[tuple[str, str, int]]:
    page = checked(await client.get(f"{BASE}/directories/{path}", params=query), FOLDER)
    return [(item["name"], item["type"], item["size"]) for item in page["items"]]


async def test_an_uploaded_file_is_listed_with_its_folders_and_can_be_deleted(service: Service) -> None:
    client = service()
    destination = await upload(client, "batchrun/3fa1/job.py")
    assert destination == "s3://emulated-user-files-aws-us-west-2/emulated-organization/batchrun/3fa1/job.py"
    await upload(client, "other.zip", b"12")
    assert await names(client) == [("batchrun", "FOLDER", 0), ("other.zip", "FILE", 2)]
    assert await names(client, "batchrun/3fa1") == await names(client, "batchrun/3fa1/") == [("job.py", "FILE", 7)]
    checked(await client.delete(f"{BASE}/files/other.zip"), DELETED)
    assert await names(client) == [("batchrun", "FOLDER", 0)]
    assert (await client.delete(f"{BASE}/files/other.zip")).status_code == 404


async def test_a_file_of_the_same_name_is_replaced(service: Service) -> None:
    client = service()
    for content in (b"1", b"22"):
        await upload(client, "job.py", content)
    assert await names(client) == [("job.py", "FILE", 2)]
    (file,) = (await client.get("/_emulator/files")).json()
    assert file["sha256"] == hashlib.sha256(b"22").hexdigest()


async def test_folders_are_listed_by_the_page(service: Service) -> None:
    client = service()
    for number in range(5):
        await upload(client, f"f{number}.py")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = checked(await client.get(f"{BASE}/directories/", params=query), FOLDER)
        seen += [item["name"] for item in page["items"]]
        if page["next_page"] is None:
            break
        query["cursor"] = page["next_page"]
    assert seen == [f"f{number}.py" for number in range(5)]
    assert len(await names(client)) == 5


@pytest.mark.parametrize("name", ["a b.py", "ü.py", "100%.py", "x#y?.py", "a+b&c=d.py"])
async def test_names_are_decoded_segment_by_segment(service: Service, name: str) -> None:
    client = service()
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    assert (await upload(client, f"dir/{encoded}")).endswith(f"/dir/{name}")
    assert await names(client, "dir") == [(name, "FILE", 7)]


@pytest.mark.parametrize("path", ["", "a//b", "a/%2E%2E/b", "%2E", "a%2Fb", "%ff", "a%00b", "x" * 1025])
async def test_a_path_that_is_none_is_refused(service: Service, path: str) -> None:
    answer = await service().post(f"{URL}/{path}")
    assert answer.status_code == 400
    assert checked(answer, TICKET)["errors"][0]["code"] == "BAD_REQUEST_ERROR"


async def test_storage_may_not_be_enabled_in_a_region(service: Service) -> None:
    client = service(storage_regions=["aws-eu-west-1"])
    for method, path, template in (
        ("POST", f"{URL}/job.py", TICKET),
        ("GET", f"{BASE}/directories/", FOLDER),
        ("DELETE", f"{BASE}/files/job.py", DELETED),
        ("POST", "/storage/anything/file-upload-url/job.py", TICKET),
    ):
        answer = await client.request(method, path)
        assert answer.status_code == 404
        checked(answer, template)
    assert (await client.get("/storage/user_files::aws-eu-west-1/directories/")).json()["items"] == []
    assert (await client.get("/storage/user_files::aws-eu-west-1/directories/none")).status_code == 404
    (source,) = checked(await client.get("/storage"), "/storage")
    assert (source["id"], source["region"], source["type"]) == (
        "user_files::aws-eu-west-1",
        "aws-eu-west-1",
        "MANAGED",
    )


async def test_an_upload_url_can_be_refused(service: Service) -> None:
    assert (await service(refused_calls={"upload_url": 403}).post(f"{URL}/job.py")).status_code == 403


async def test_an_upload_url_expires(service: Service) -> None:
    client = service(upload_expires_s=0)
    ticket = (await client.post(f"{URL}/job.py")).json()
    answer = await put(client, ticket["uploadUrl"])
    assert (answer.status_code, "expired" in answer.text) == (403, True)
    assert await names(client) == []


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_another_method_does_not_match_the_signature(service: Service, method: str) -> None:
    client = service()
    ticket = (await client.post(f"{URL}/job.py")).json()
    answer = await client.request(method, ticket["uploadUrl"])
    assert (answer.status_code, "SignatureDoesNotMatch" in answer.text) == (403, True)


async def test_a_url_that_was_changed_or_never_issued_is_refused(service: Service) -> None:
    client = service()
    url = (await client.post(f"{URL}/job.py")).json()["uploadUrl"]
    for wrong in (
        url[:-1],
        url.split("?")[0],
        url.replace("/_uploads/", "/_uploads/0"),
        "/_uploads/x?X-Amz-Signature=x",
    ):
        assert (await put(client, wrong)).status_code == 403


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(service: Service) -> None:
    client = service(max_upload_bytes=6)
    ticket = (await client.post(f"{URL}/job.py")).json()
    answer = await put(client, ticket["uploadUrl"])
    assert (answer.status_code, "EntityTooLarge" in answer.text) == (400, True)
    assert (await client.get("/_emulator/uploads")).json()[0]["size"] == 0


def test_the_default_limit_is_that_of_the_service() -> None:
    assert EmulatorSettings().max_upload_bytes == 500 * 1024**2


async def test_a_body_without_length_is_refused(service: Service) -> None:
    client = service()
    ticket = (await client.post(f"{URL}/job.py")).json()

    async def chunks() -> Any:
        yield b"print()"

    answer = await client.put(ticket["uploadUrl"], content=chunks())
    assert answer.status_code == 411


async def test_the_audit_shows_what_an_upload_carried_and_that_it_was_no_key(service: Service) -> None:
    client = service()
    url = (await client.post(f"{URL}/job.py")).json()["uploadUrl"]
    await put(client, url, b"good", **{"Content-Type": "text/x-python"})
    await put(client, url, b"bad", **{"X-API-Key": "very-secret"})
    assert (await put(client, url, b"worse", Authorization="Bearer very-secret")).status_code == 400
    audit = await client.get("/_emulator/uploads")
    assert "very-secret" not in audit.text
    good, bad, worse = audit.json()
    assert (good["status"], good["path"], good["region"], good["size"]) == (200, "job.py", "aws-us-west-2", 4)
    assert good["sha256"] == hashlib.sha256(b"good").hexdigest()
    assert (good["headers"]["content-type"], good["secrets"]) == ("text/x-python", [])
    assert (bad["secrets"], worse["secrets"]) == (["x-api-key"], ["authorization"])


async def test_uploads_are_counted_need_no_key_and_can_fail(service: Service) -> None:
    client = service(api_key="key", call_faults={"error": "1@3-3"}, call_faults_on=["upload"])
    url = (await client.post(f"{URL}/job.py")).json()["uploadUrl"]
    statuses = [(await put(client, url)).status_code for _ in range(4)]
    assert statuses == [200, 200, 500, 200]
    assert (await client.get("/_emulator/stats")).json()["calls"] == {"upload_url": 1, "upload": 4}


async def test_organizations_do_not_see_each_others_files(service: Service) -> None:
    client = service(organizations={"other": "acme"})
    await upload(client, "job.py")
    page = await client.get(f"{BASE}/directories/", headers={"X-API-Key": "other"})
    assert page.json()["items"] == []


async def test_files_survive_a_restart_and_a_reset_removes_them(service: Service, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    first = service(state_file=state)
    await upload(first, "job.py")
    await upload(first, "gone.py")
    await first.delete(f"{BASE}/files/gone.py")
    second = service(state_file=state)
    assert await names(second) == [("job.py", "FILE", 7)]
    await second.post("/_emulator/reset")
    assert await names(service(state_file=state)) == []


async def test_a_run_whose_files_were_not_uploaded_is_refused(service: Service, payload: dict[str, Any]) -> None:
    client = service(check_uris=True)
    script = await upload(client, "job.py")

    async def created(uri: str, *dependencies: str, region: str = "aws-us-west-2") -> httpx.Response:
        files = [{"sourceType": "FILE", "filePath": path} for path in dependencies]
        body = {**payload, "runPython": {"uri": uri}, "environment": {"dependencies": files}}
        return await client.post("/runs", params={"region": region}, json=body)

    assert (await created(script)).status_code == 201
    assert (await created("s3://elsewhere/job.py")).status_code == 201
    refused = await created(f"{script}.old", "./local.whl")
    assert refused.status_code == 422
    assert [one["path"] for one in refused.json()["errors"]] == [
        "body.runPython.uri",
        "body.environment.dependencies.0.filePath",
    ]
    assert (await created(script, region="aws-eu-west-1")).status_code == 422
    await client.delete(f"{BASE}/files/job.py")
    assert (await created(script)).status_code == 422


def test_a_file_of_many_megabytes_is_streamed_over_a_socket() -> None:
    with EmulatorServer() as server:
        ticket = httpx.post(f"{server.url}{URL}/job.py", headers={"X-API-Key": "k"}).json()
        assert ticket["uploadUrl"].startswith(f"{server.url}/_uploads/")
        content = bytes(20 * 1024 * 1024)
        assert httpx.put(ticket["uploadUrl"], content=content).status_code == 200
        (file,) = httpx.get(f"{server.url}/_emulator/files").json()
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
