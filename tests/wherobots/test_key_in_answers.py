"""An API key that the service quotes is masked."""

import httpx
from pydantic import SecretStr

from batchrun.wherobots.answers import Refused
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.settings import ApiSettings

KEY = "wbk-0123456789"


async def test_a_key_quoted_in_a_refusal_is_masked() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        message = f"the key {request.headers['X-API-Key']} is unknown"
        return httpx.Response(401, json={"errors": [{"code": "UNAUTHORIZED", "message": message}]})

    settings = ApiSettings(api_key=SecretStr(KEY), base_url="http://127.0.0.1:1")
    async with RunsClient(settings, httpx.MockTransport(refuse)) as client:
        answer = await client.create("aws-us-west-2", b"{}")
    assert isinstance(answer, Refused)
    assert answer.trouble.message == "the key ******** is unknown"
