export { putUpDelivery } from "./put_up.ts";
export { createDeliveryEraser, type DeliveryEraser } from "./eraser.ts";
export { dropDeliveries, endEnrolment, farewellMs, takeDelivery } from "./store.ts";
export { deliveryRow, type DeliveryToken, readDeliveryToken } from "./token.ts";
