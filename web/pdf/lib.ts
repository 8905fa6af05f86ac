// The part of PDF.js that the letter page uses. Built as a file of its own and loaded only for a PDF.
import "./older.js";

export {
  AbortException,
  AnnotationLayer,
  AnnotationMode,
  AnnotationType,
  getDocument,
  GlobalWorkerOptions,
  normalizeUnicode,
  PasswordResponses,
  PDFDataRangeTransport,
  RenderingCancelledException,
} from "pdfjs-dist";
