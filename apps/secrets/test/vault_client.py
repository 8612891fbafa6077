"""Uses the fake Vault by hvac, which was not written here: what it cannot read is not as the real one is."""

import base64
import sys

import hvac
from hvac import exceptions


def refused(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError(f"was not refused with {kind.__name__}")


url, root = sys.argv[1:]
client = hvac.Client(url=url, token=root)
assert client.is_authenticated()
assert client.sys.read_health_status(method="GET")["sealed"] is False

kv = client.secrets.kv.v2
kv.create_or_update_secret("app", {"a": "b"}, mount_point="secret")
kv.create_or_update_secret("app", {"a": "c"}, cas=1, mount_point="secret")
refused(
    exceptions.InvalidRequest,
    lambda: kv.create_or_update_secret("app", {"a": "d"}, cas=1, mount_point="secret"),
)
newest = kv.read_secret_version("app", mount_point="secret")["data"]
assert newest["data"] == {"a": "c"} and newest["metadata"]["version"] == 2
assert kv.read_secret_version("app", version=1, mount_point="secret")["data"]["data"] == {"a": "b"}
kv.delete_latest_version_of_secret("app", mount_point="secret")
refused(exceptions.InvalidPath, lambda: kv.read_secret_version("app", mount_point="secret"))

older = client.secrets.kv.v1
older.create_or_update_secret("app", {"x": 1}, mount_point="kv")
assert older.read_secret("app", mount_point="kv")["data"] == {"x": 1}
older.create_or_update_secret("team/app", {"x": 1}, mount_point="kv")


# hvac lists by the method LIST, which Node's server cannot read; this is the other form in Vault's documents.
def listed(path):
    return client.adapter.get(f"/v1/{path}", params={"list": "true"})["data"]["keys"]


assert listed("kv") == ["app", "team/"] and listed("kv/team/") == ["app"]
kv.create_or_update_secret("team/app", {"a": "b"}, mount_point="secret")
assert listed("secret/metadata/team") == ["app"]
refused(exceptions.InvalidPath, lambda: listed("secret/metadata/none"))
older.delete_secret("app", mount_point="kv")
refused(exceptions.InvalidPath, lambda: older.read_secret("app", mount_point="kv"))

for log_in in (
    lambda other: other.auth.kubernetes.login("lineclear", "a.service.account"),
    lambda other: other.auth.approle.login("role", "secret"),
):
    other = hvac.Client(url=url)
    log_in(other)
    assert other.lookup_token()["data"]["ttl"] <= 60
    assert other.adapter.post("/v1/auth/token/renew-self")["auth"]["renewable"]
    other.adapter.post("/v1/auth/token/revoke-self")
    assert not other.is_authenticated()
refused(exceptions.InvalidRequest, lambda: hvac.Client(url=url).auth.approle.login("role", "no"))
refused(exceptions.Forbidden, lambda: hvac.Client(url=url).auth.kubernetes.login("no", "jwt"))
refused(exceptions.Forbidden, lambda: hvac.Client(url=url, token="no").read("secret/data/app"))

lease = client.read("database/creds/reader")
assert lease["lease_duration"] == 60 and lease["renewable"] and lease["data"]["password"]
assert client.sys.renew_lease(lease["lease_id"], increment=30)["lease_duration"] == 30
client.sys.revoke_lease(lease["lease_id"])
refused(exceptions.InvalidRequest, lambda: client.sys.renew_lease(lease["lease_id"]))

text = base64.b64encode(b"hello").decode()
sealed = client.secrets.transit.encrypt_data("lineclear", text)["data"]["ciphertext"]
assert client.secrets.transit.decrypt_data("lineclear", sealed)["data"]["plaintext"] == text

inside = hvac.Client(url=url, token=root, namespace="team/ml")
inside.secrets.kv.v2.create_or_update_secret("app", {"in": "side"}, mount_point="secret")
read = inside.secrets.kv.v2.read_secret_version("app", mount_point="secret")["data"]["data"]
assert read == {"in": "side"}
refused(exceptions.InvalidPath, lambda: kv.read_secret_version("app", mount_point="secret"))

print("all as it should be")
