"""Pages of our own beside AWS's APIs, below ``/_vpcflow``, which can be no bucket's name."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

_LOOPBACK = ("127.0.0.1", "::1")


def own_pages() -> FastAPI:
    """The application that answers ``server.OWN_PAGES``."""
    app = FastAPI(title="vpcflow", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/_vpcflow/health")
    async def health() -> JSONResponse:
        """Whether it answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/_vpcflow/metrics")
    async def metrics(request: Request) -> Response:
        """Counters for Prometheus; to this machine alone."""
        if request.client is None or request.client.host not in _LOOPBACK:
            return JSONResponse({"error": "metrics are for loopback alone"}, status_code=403)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app
