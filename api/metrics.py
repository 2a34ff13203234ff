"""What Prometheus reads: requests by route and status, sockets, the outbox."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Gauge, Histogram, generate_latest

router = APIRouter(include_in_schema=False)

REQUESTS = Counter("tapewatch_api_requests_total", "Answered requests.", ["method", "route", "status"])
SECONDS = Histogram(
    "tapewatch_api_request_seconds",
    "Time to answer, by route.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
SOCKETS = Gauge("tapewatch_api_websockets", "Open WebSocket connections.")


@router.get("/metrics")
def get_metrics() -> Response:
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
