// The verbs of CatalogService; catalog_service.proto is their contract.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/catalog_service.pb.h"
#include "server/handlers/call.h"

namespace millrace::handlers {

absl::StatusOr<v1::ServiceVersion> CreateServiceVersion(const v1::CreateServiceVersionRequest& request,
                                                        const Call& call, const Deps& deps);
absl::StatusOr<v1::ServiceVersion> GetServiceVersion(const v1::GetServiceVersionRequest& request, const Call& call,
                                                     const Deps& deps);
absl::StatusOr<v1::ListServicesResponse> ListServices(const v1::ListServicesRequest& request, const Call& call,
                                                      const Deps& deps);
absl::StatusOr<v1::ListServiceVersionsResponse> ListServiceVersions(const v1::ListServiceVersionsRequest& request,
                                                                    const Call& call, const Deps& deps);
absl::StatusOr<v1::DeleteServiceVersionResponse> DeleteServiceVersion(const v1::DeleteServiceVersionRequest& request,
                                                                      const Call& call, const Deps& deps);

/// Consumes the records of the request.
absl::StatusOr<v1::TestServiceResponse> TestService(v1::TestServiceRequest& request, const Call& call,
                                                    const Deps& deps);

}  // namespace millrace::handlers
