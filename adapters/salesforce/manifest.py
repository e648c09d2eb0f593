"""The resources of Salesforce's REST API that the CRM adapter uses.

Reads and writes of rows travel inside the composite resource; a part's own resource is declared by
`PARTS` and is held against it when the request is put together.
"""

from __future__ import annotations

from adapters.manifest import Manifest, operations

_REST = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/"

MANIFEST = Manifest(
    "crm",
    [
        *operations(
            "https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_client_credentials_flow.htm",
            "POST /services/oauth2/token",
        ),
        *operations(
            _REST + "resources_composite_composite_post.htm", "POST /services/data/{}/composite"
        ),
        *operations(
            _REST + "resources_sobject_describe.htm", "GET /services/data/{}/sobjects/{}/describe"
        ),
    ],
)
PARTS = Manifest(
    "crm",
    [
        *operations(
            _REST + "resources_query.htm",
            "GET /services/data/{}/query",
            "GET /services/data/{}/queryAll",
        ),
        *operations(
            _REST + "dome_upsert.htm",
            "PATCH /services/data/{}/sobjects/{}/{}",
            "PATCH /services/data/{}/sobjects/{}/{}/{}",
        ),
        *operations(
            _REST + "resources_sobject_basic_info_post.htm",
            "POST /services/data/{}/sobjects/Opportunity",
        ),
    ],
)
