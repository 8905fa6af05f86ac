// What scripts/lib/pdfjs-layers.mjs takes of PDF.js's own viewer.

declare module "pdfjs-layers" {
  export { EventBus } from "pdfjs-dist/types/web/event_utils";
  export { PDFFindController } from "pdfjs-dist/types/web/pdf_find_controller";
  export { PDFLinkService } from "pdfjs-dist/types/web/pdf_link_service";
  export { StructTreeLayerBuilder } from "pdfjs-dist/types/web/struct_tree_layer_builder";
  export { TextAccessibilityManager } from "pdfjs-dist/types/web/text_accessibility";
  export { TextHighlighter } from "pdfjs-dist/types/web/text_highlighter";
  export { TextLayerBuilder } from "pdfjs-dist/types/web/text_layer_builder";
}

declare module "pdfjs-layers.css" {
  const rules: string;
  export default rules;
}
