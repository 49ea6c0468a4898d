import type { RefusalCode } from "../errors.ts";

interface ErrorAnswer {
  status: number;
  name: string;
}

/** Every refusal as the contract answers it: the status, and the machine-readable name SDKs know. */
export const errorAnswers: Record<RefusalCode, ErrorAnswer> = {
  invalid_json: { status: 400, name: "validation_error" },
  payload_too_large: { status: 413, name: "validation_error" },
  unsupported_media_type: { status: 415, name: "validation_error" },
  missing_required_field: { status: 422, name: "missing_required_field" },
  validation_error: { status: 422, name: "validation_error" },
  invalid_parameter: { status: 422, name: "invalid_parameter" },
  invalid_from_address: { status: 422, name: "invalid_from_address" },
  invalid_attachment: { status: 422, name: "invalid_attachment" },
  invalid_access: { status: 422, name: "invalid_access" },
  invalid_region: { status: 422, name: "invalid_region" },
  missing_api_key: { status: 401, name: "missing_api_key" },
  invalid_api_key: { status: 403, name: "invalid_api_key" },
  restricted_api_key: { status: 401, name: "restricted_api_key" },
  invalid_credentials: { status: 401, name: "validation_error" },
  domain_not_verified: { status: 403, name: "validation_error" },
  domain_not_allowed: { status: 403, name: "validation_error" },
  not_permitted: { status: 403, name: "invalid_permission" },
  not_found: { status: 404, name: "not_found" },
  method_not_allowed: { status: 405, name: "method_not_allowed" },
  already_exists: { status: 409, name: "validation_error" },
  invalid_idempotency_key: { status: 400, name: "invalid_idempotency_key" },
  invalid_idempotent_request: { status: 409, name: "invalid_idempotent_request" },
  concurrent_idempotent_requests: { status: 409, name: "concurrent_idempotent_requests" },
  rate_limit_exceeded: { status: 429, name: "rate_limit_exceeded" },
  service_unavailable: { status: 503, name: "service_unavailable" },
};

/** The body of every answer that is not a success. */
export interface ErrorBody {
  statusCode: number;
  name: string;
  message: string;
}
